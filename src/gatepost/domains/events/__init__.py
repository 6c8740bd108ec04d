"""Events: what happened, and the index that finds it again."""
