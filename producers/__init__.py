"""What publishes: the batching publisher and the simulator."""
