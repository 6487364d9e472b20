"""The asset checks and the rules behind them."""
