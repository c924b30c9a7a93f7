"""The parts that all models and managers share."""
