"""Results of tasks by the content that they depend on, so that nothing is proved twice."""
