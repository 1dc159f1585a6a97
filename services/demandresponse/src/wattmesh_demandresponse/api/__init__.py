"""The contract: converts, calls a use case, converts back."""
