"""The machine: devices, memory, what NVML tells, ceilings, and the environment that a measurement was made in."""
