"""Whether the answers are right: tasks, how they are put to a model, and how they are scored."""
