package metric

import (
	"encoding/json"
	"fmt"
	"math/big"
	"strconv"
	"strings"
)

// maxDigits bounds a decimal so that its coefficient fits an int64.
const maxDigits = 18

// Decimal is an exact decimal number, comparable with ==: coefficient / 10^scale,
// always in lowest terms. Tolerances and quantities of claims are kept in it, so
// that "10%" is exactly one tenth.
type Decimal struct {
	coefficient int64
	scale       uint8
}

// ParseDecimal reads plain decimal notation, at most 18 digits, an optional sign.
func ParseDecimal(text string) (Decimal, error) {
	body, negative := strings.CutPrefix(text, "-")
	whole, fraction, dotted := strings.Cut(body, ".")
	digits := whole + fraction
	if digits == "" || whole == "" || (dotted && fraction == "") {
		return Decimal{}, fmt.Errorf("%q is not a decimal number", text)
	}
	if len(digits) > maxDigits {
		return Decimal{}, fmt.Errorf("%q has more than %d digits", text, maxDigits)
	}
	var coefficient int64
	for _, c := range []byte(digits) {
		if c < '0' || c > '9' {
			return Decimal{}, fmt.Errorf("%q is not a decimal number", text)
		}
		coefficient = coefficient*10 + int64(c-'0')
	}
	if negative {
		coefficient = -coefficient
	}
	return Decimal{coefficient, uint8(len(fraction))}.reduced(), nil
}

// MustDecimal is ParseDecimal for constants; it panics on a malformed one.
func MustDecimal(text string) Decimal {
	d, err := ParseDecimal(text)
	if err != nil {
		panic(err)
	}
	return d
}

// DecimalFromInt makes the decimal of a whole number.
func DecimalFromInt(n int64) Decimal { return Decimal{coefficient: n}.reduced() }

func (d Decimal) reduced() Decimal {
	for d.scale > 0 && d.coefficient%10 == 0 {
		d.coefficient /= 10
		d.scale--
	}
	return d
}

// Rat returns the exact value.
func (d Decimal) Rat() *big.Rat {
	scale := new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(d.scale)), nil)
	return new(big.Rat).SetFrac(big.NewInt(d.coefficient), scale)
}

// Float64 returns the nearest float.
func (d Decimal) Float64() float64 {
	f, _ := d.Rat().Float64()
	return f
}

// Mul multiplies exactly; the second result is false where the product does not
// fit 18 digits.
func (d Decimal) Mul(other Decimal) (Decimal, bool) {
	product := new(big.Int).Mul(big.NewInt(d.coefficient), big.NewInt(other.coefficient))
	scale := int(d.scale) + int(other.scale)
	ten, zero, rest := big.NewInt(10), new(big.Int), new(big.Int)
	for scale > 0 && product.Sign() != 0 {
		quotient, r := new(big.Int).QuoRem(product, ten, rest)
		if r.Cmp(zero) != 0 {
			break
		}
		product, scale = quotient, scale-1
	}
	if product.Sign() == 0 {
		return Decimal{}, true
	}
	if len(new(big.Int).Abs(product).Text(10)) > maxDigits || scale >= maxDigits {
		return Decimal{}, false
	}
	return Decimal{product.Int64(), uint8(scale)}, true
}

// Sign is -1, 0 or 1.
func (d Decimal) Sign() int {
	switch {
	case d.coefficient < 0:
		return -1
	case d.coefficient > 0:
		return 1
	}
	return 0
}

// String writes the shortest exact decimal notation.
func (d Decimal) String() string {
	digits := strconv.FormatInt(d.coefficient, 10)
	if d.scale == 0 {
		return digits
	}
	digits, negative := strings.CutPrefix(digits, "-")
	if short := int(d.scale) + 1 - len(digits); short > 0 {
		digits = strings.Repeat("0", short) + digits
	}
	cut := len(digits) - int(d.scale)
	text := digits[:cut] + "." + digits[cut:]
	if negative {
		return "-" + text
	}
	return text
}

// MarshalJSON writes the decimal as a JSON number.
func (d Decimal) MarshalJSON() ([]byte, error) { return []byte(d.String()), nil }

// UnmarshalJSON reads a JSON number in plain notation.
func (d *Decimal) UnmarshalJSON(data []byte) error {
	var number json.Number
	if err := json.Unmarshal(data, &number); err != nil {
		return fmt.Errorf("read decimal: %w", err)
	}
	parsed, err := ParseDecimal(number.String())
	if err != nil {
		return err
	}
	*d = parsed
	return nil
}
