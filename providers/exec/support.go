package exec

import (
	"context"
	"errors"
	"fmt"

	"aicv/spec"
)

// supporter is a predictor whose program also answers support requests.
type supporter struct{ p *predictor }

// wireSupport is the answer for one point.
type wireSupport struct {
	Point     *int   `json:"point"`
	Supported *bool  `json:"supported"`
	Why       string `json:"why"`
	Nearest   string `json:"nearest"`
}

// Support asks for all points in one process. A point without a good answer is an
// error: nothing is known of it.
func (s supporter) Support(ctx context.Context, points []spec.Point) ([]spec.Support, error) {
	if len(points) == 0 {
		return nil, nil
	}
	wire := make([]wirePoint, len(points))
	for i := range points {
		wire[i] = wireOf(&points[i])
		wire[i].Load, wire[i].Configuration, wire[i].Assumed = nil, spec.Value{}, spec.Value{}
	}
	request, err := pointsRequest(wireHead{Request: requestSupport}, wire)
	if err != nil {
		return nil, s.p.missing("the request can not be written", err, "this is a defect of aicv, please report it")
	}
	a := &supportAnswers{answers: make([]spec.Support, len(points)), done: make([]bool, len(points))}
	c := &conversation{accept: a.accept}
	e, err := s.p.run(ctx, request, c)
	if err != nil {
		return nil, err
	}
	if a.answered < len(points) || c.broken != nil {
		return nil, s.p.failure(c, &e, fmt.Sprintf("it said of %d of %d points whether it has data", a.answered, len(points)))
	}
	return a.answers, nil
}

// supportAnswers collects the answers of a support request.
type supportAnswers struct {
	answers  []spec.Support
	done     []bool
	answered int
}

func (a *supportAnswers) accept(line []byte) error {
	var w wireSupport
	if err := strict(line, &w); err != nil {
		return err
	}
	at, err := pointOf(w.Point, len(a.done))
	switch {
	case err != nil:
		return err
	case w.Supported == nil:
		return errors.New("it does not say supported")
	case a.done[at]:
		return fmt.Errorf("point %d was answered before", at)
	}
	a.answers[at] = spec.Support{Supported: *w.Supported, Why: tidy(w.Why), Nearest: tidy(w.Nearest)}
	a.done[at] = true
	a.answered++
	return nil
}
