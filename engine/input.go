package engine

import "aicv/verify"

// Input is what the plan knows of a cell for judging it. What the state holds, runs and
// failure above all, is for the caller to add.
func (c *PlannedCell) Input() verify.CellInput {
	in := verify.CellInput{Address: c.Cell.Address(), Measurement: c.Measurement, GPUsKnown: c.Cell.GPUs() > 0,
		Requests: c.Cell.Sampling.Requests, Withheld: c.Withheld(), Config: c.Cell.Config, Load: c.Cell.Load, Duration: c.Cell.Sampling.Duration}
	if c.Cell.Predictor != nil {
		in.Prediction = &c.Prediction
	}
	if c.Cell.Runtime != nil {
		in.Version = c.Cell.Runtime.Version()
	}
	return in
}
