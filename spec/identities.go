package spec

// Identities computes the identities of many cells and points. It gives what
// Cell.DeploymentID and Cell.MeasurementID give, but encodes each component once.
// It must not be used from several goroutines at once.
type Identities struct {
	components map[*Component][]byte
	buffer     []byte
}

// NewIdentities starts with nothing encoded.
func NewIdentities() *Identities {
	return &Identities{components: make(map[*Component][]byte)}
}

// Deployment is the cell's DeploymentID.
func (x *Identities) Deployment(c *Cell) ID {
	x.buffer = c.appendDeployment(x.buffer[:0], x.component)
	return HashOf(x.buffer)
}

// Measurement is the cell's MeasurementID.
func (x *Identities) Measurement(c *Cell) ID {
	x.buffer = c.appendMeasurement(x.buffer[:0], x.component)
	return HashOf(x.buffer)
}

// Point identifies a question to a predictor: its content, and the checkpoint's
// config that the model's path stands for.
func (x *Identities) Point(p *Point, configHash string) ID {
	b := x.buffer[:0]
	for _, text := range []string{p.ModelID, p.ModelPath, configHash, p.System, p.Runtime, p.RuntimeVersion} {
		b = append(b, text...)
		b = append(b, 0)
	}
	b = p.Config.AppendCanonical(b)
	b = append(b, 0)
	b = p.Assumed.AppendCanonical(b)
	b = append(b, 0)
	x.buffer = p.Load.appendCanonical(b)
	return HashOf(x.buffer)
}

func (x *Identities) component(b []byte, c *Component) []byte {
	encoded, known := x.components[c]
	if !known {
		encoded = c.appendIdentity(nil)
		x.components[c] = encoded
	}
	return append(b, encoded...)
}
