"""The parts of which every resource is made."""
