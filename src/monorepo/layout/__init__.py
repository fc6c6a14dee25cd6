"""Where packages lie: moving them between the grouped and the flat layout."""
