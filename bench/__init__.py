"""Runnable measurements: every figure is taken beside its yardstick within one run."""
