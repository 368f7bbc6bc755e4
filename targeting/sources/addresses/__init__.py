"""Addresses, the voters behind them, the doors of buildings."""
