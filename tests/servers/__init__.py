"""Mail servers and faults for tests: each is a context manager on loopback ports of its own."""
