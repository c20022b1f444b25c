"""Pictures of what the testbed's mechanisms do. Each module computes one, and draws it; all of it is simulated."""
