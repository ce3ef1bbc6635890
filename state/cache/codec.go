package cache

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"math"

	"aicv/metric"
	"aicv/spec"
)

// A chunk is: CRC-32C of the rest, the table of texts, the predictions. Texts are
// stored once and referred to by number, because predictions of one predictor share
// nearly all of theirs; only their sources are their own. Counts, numbers and lengths
// are unsigned varints.

// encoder packs predictions.
type encoder struct {
	numbers map[string]uint64
	texts   []string
	body    []byte
}

func newEncoder() *encoder { return &encoder{numbers: map[string]uint64{}} }

func (w *encoder) count(n int) { w.body = binary.AppendUvarint(w.body, uint64(n)) }

func (w *encoder) text(s string) {
	n, ok := w.numbers[s]
	if !ok {
		n = uint64(len(w.texts))
		w.numbers[s] = n
		w.texts = append(w.texts, s)
	}
	w.body = binary.AppendUvarint(w.body, n)
}

func (w *encoder) names(list []metric.Name) {
	w.count(len(list))
	for _, name := range list {
		w.text(string(name))
	}
}

func (w *encoder) prediction(p *spec.Prediction) {
	w.count(len(p.Values))
	for _, v := range p.Values {
		w.text(string(v.Metric))
		w.body = binary.LittleEndian.AppendUint64(w.body, math.Float64bits(v.Value))
	}
	w.names(p.Derived)
	w.count(len(p.Modelled))
	for _, s := range p.Modelled {
		w.text(s.Name)
		w.text(string(s.Value.AppendCanonical(nil)))
	}
	w.body = binary.AppendVarint(w.body, p.Memory)
	w.findings(p.Findings)
	w.text(p.Provenance.Tool)
	w.text(p.Provenance.Version)
	w.text(p.Provenance.Database)
	w.count(len(p.Provenance.Source))
	w.body = append(w.body, p.Provenance.Source...)
	w.text(p.Missing)
}

func (w *encoder) findings(list []spec.Finding) {
	w.count(len(list))
	for i := range list {
		f := &list[i]
		w.text(f.Check)
		w.text(string(f.Severity))
		w.text(f.Message)
		w.names(f.Metrics)
	}
}

func (w *encoder) finish() []byte {
	data := make([]byte, 4, 16+len(w.body)+64*len(w.texts))
	data = binary.AppendUvarint(data, uint64(len(w.texts)))
	for _, s := range w.texts {
		data = binary.AppendUvarint(data, uint64(len(s)))
		data = append(data, s...)
	}
	data = append(data, w.body...)
	binary.LittleEndian.PutUint32(data, crc32.Checksum(data[4:], crc32.MakeTable(crc32.Castagnoli)))
	return data
}

// decoder unpacks predictions; the first error stays and makes the rest zero.
type decoder struct {
	rest   []byte
	texts  []string
	values map[string]spec.Value // decoded configuration values, which repeat
	err    error
}

// decode unpacks a chunk of n predictions.
func decode(data []byte, n int) ([]spec.Prediction, error) {
	if len(data) < 4 || binary.LittleEndian.Uint32(data) != crc32.Checksum(data[4:], crc32.MakeTable(crc32.Castagnoli)) {
		return nil, errors.New("the chunk's checksum does not hold")
	}
	r := &decoder{rest: data[4:], values: map[string]spec.Value{}}
	r.texts = make([]string, r.count())
	for i := range r.texts {
		r.texts[i] = string(r.bytes(r.count()))
	}
	var predictions []spec.Prediction
	for range n {
		if r.err != nil {
			return nil, r.err
		}
		predictions = append(predictions, r.prediction())
	}
	if r.err == nil && len(r.rest) > 0 {
		return nil, fmt.Errorf("%d bytes too many", len(r.rest))
	}
	return predictions, r.err
}

func (r *decoder) fail() {
	if r.err == nil {
		r.err = errors.New("the chunk ends too early or refers to nothing")
	}
	r.rest = nil
}

func (r *decoder) number() uint64 {
	n, size := binary.Uvarint(r.rest)
	if size <= 0 {
		r.fail()
		return 0
	}
	r.rest = r.rest[size:]
	return n
}

func (r *decoder) signed() int64 {
	n, size := binary.Varint(r.rest)
	if size <= 0 {
		r.fail()
		return 0
	}
	r.rest = r.rest[size:]
	return n
}

// count reads the length of something; each element takes at least one byte.
func (r *decoder) count() int {
	n := r.number()
	if n > uint64(len(r.rest)) {
		r.fail()
		return 0
	}
	return int(n)
}

func (r *decoder) bytes(n int) []byte {
	if n > len(r.rest) {
		r.fail()
		return nil
	}
	b := r.rest[:n]
	r.rest = r.rest[n:]
	return b
}

func (r *decoder) text() string {
	n := r.number()
	if n >= uint64(len(r.texts)) {
		r.fail()
		return ""
	}
	return r.texts[n]
}

func (r *decoder) float() float64 {
	b := r.bytes(8)
	if len(b) < 8 {
		return 0
	}
	return math.Float64frombits(binary.LittleEndian.Uint64(b))
}

func (r *decoder) prediction() spec.Prediction {
	var p spec.Prediction
	if n := r.count(); n > 0 {
		p.Values = make(metric.Values, n)
	}
	for i := range p.Values {
		p.Values[i] = metric.Value{Metric: metric.Name(r.text()), Value: r.float()}
	}
	p.Derived = r.names()
	if n := r.count(); n > 0 {
		p.Modelled = make(spec.Configuration, n)
	}
	for i := range p.Modelled {
		p.Modelled[i] = spec.Setting{Name: r.text(), Value: r.value()}
	}
	p.Memory = r.signed()
	p.Findings = r.findings()
	p.Provenance = spec.Provenance{Tool: r.text(), Version: r.text(), Database: r.text(), Source: string(r.bytes(r.count()))}
	p.Missing = r.text()
	return p
}

func (r *decoder) names() []metric.Name {
	n := r.count()
	if n == 0 {
		return nil
	}
	list := make([]metric.Name, n)
	for i := range list {
		list[i] = metric.Name(r.text())
	}
	return list
}

func (r *decoder) value() spec.Value {
	content := r.text()
	if v, ok := r.values[content]; ok || r.err != nil {
		return v
	}
	var v spec.Value
	if err := v.UnmarshalJSON([]byte(content)); err != nil {
		r.fail()
	}
	r.values[content] = v
	return v
}

func (r *decoder) findings() []spec.Finding {
	n := r.count()
	if n == 0 {
		return nil
	}
	list := make([]spec.Finding, n)
	for i := range list {
		list[i] = spec.Finding{Check: r.text(), Severity: spec.FindingSeverity(r.text()), Message: r.text(), Metrics: r.names()}
	}
	return list
}
