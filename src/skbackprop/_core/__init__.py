"""The network, its gradient and its descent, in numpy alone."""
