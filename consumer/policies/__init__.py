"""Pure rules with state apart; time is an argument."""
