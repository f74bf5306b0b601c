"""Looking into a network: the trace of a step, the check of its gradient, the pictures."""
