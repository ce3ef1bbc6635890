package metric

// Unit is the unit in which a metric's values are kept everywhere inside aicv.
type Unit string

// The units of the contract.
const (
	TokensPerSecondPerGPU  Unit = "tokens/s/GPU"
	TokensPerSecond        Unit = "tokens/s"
	TokensPerSecondPerUser Unit = "tokens/s/user"
	RequestsPerSecond      Unit = "requests/s"
	Milliseconds           Unit = "ms"
	Share                  Unit = "share" // 0..1, written as a percentage
)

// Spelling is one way of writing a unit, with the factor that converts a figure
// written in it to the contract's unit.
type Spelling struct {
	Text   string
	Unit   Unit
	Factor Decimal
}

// Spellings lists every accepted way of writing a unit. A bare number is a share.
func Spellings() []Spelling {
	return []Spelling{
		{"us", Milliseconds, MustDecimal("0.001")},
		{"ms", Milliseconds, MustDecimal("1")},
		{"s", Milliseconds, MustDecimal("1000")},
		{"m", Milliseconds, MustDecimal("60000")},
		{"tokens/s/GPU", TokensPerSecondPerGPU, MustDecimal("1")},
		{"tok/s/GPU", TokensPerSecondPerGPU, MustDecimal("1")},
		{"tokens/s/user", TokensPerSecondPerUser, MustDecimal("1")},
		{"tok/s/user", TokensPerSecondPerUser, MustDecimal("1")},
		{"tokens/s", TokensPerSecond, MustDecimal("1")},
		{"tok/s", TokensPerSecond, MustDecimal("1")},
		{"requests/s", RequestsPerSecond, MustDecimal("1")},
		{"req/s", RequestsPerSecond, MustDecimal("1")},
		{"%", Share, MustDecimal("0.01")},
		{"", Share, MustDecimal("1")},
	}
}
