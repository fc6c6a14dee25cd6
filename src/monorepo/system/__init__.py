"""What any program needs: errors, files, subprocesses, the terminal, transactions."""
