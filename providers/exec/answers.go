package exec

import (
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"aicv/metric"
	"aicv/spec"
)

// pointAnswers collects the answers for points, in whatever order they come.
type pointAnswers struct {
	metrics     []metric.Name
	predictions []spec.Prediction
	done        []bool
	wrong       map[int]string // why a point's answer is not taken
	answered    int
}

func newPointAnswers(points int, metrics []metric.Name) *pointAnswers {
	return &pointAnswers{metrics: metrics, predictions: make([]spec.Prediction, points), done: make([]bool, points), wrong: map[int]string{}}
}

// accept takes one line. What is wrong with a point's answer is kept with the point; the
// error is of a line that belongs to no point.
func (a *pointAnswers) accept(line []byte) error {
	var w wirePrediction
	if err := strict(line, &w); err != nil {
		if at, ok := pointIn(line, len(a.done)); ok {
			a.refuse(at, err)
			return nil
		}
		return err
	}
	at, err := pointOf(w.Point, len(a.done))
	if err != nil {
		return err
	}
	if _, refused := a.wrong[at]; a.done[at] || refused {
		a.refuse(at, errors.New("it was answered more than once"))
		return nil
	}
	prediction, err := w.prediction(a.metrics)
	if err != nil {
		a.refuse(at, err)
		return nil
	}
	a.predictions[at], a.done[at] = prediction, true
	a.answered++
	return nil
}

// refuse takes no answer for a point, the one that it has neither. The first reason stays.
func (a *pointAnswers) refuse(at int, why error) {
	if a.done[at] {
		a.predictions[at], a.done[at] = spec.Prediction{}, false
		a.answered--
	}
	if _, known := a.wrong[at]; !known {
		a.wrong[at] = why.Error()
	}
}

// why says why a point has no answer.
func (a *pointAnswers) why(at int, unwell string) string {
	if wrong, ok := a.wrong[at]; ok {
		return "its answer is not taken: " + wrong
	}
	if unwell != "" {
		return "not answered: " + strings.TrimPrefix(unwell, "it ")
	}
	return "not answered"
}

// nothing sums up why no point was answered.
func (a *pointAnswers) nothing() string {
	text := fmt.Sprintf("it answered none of %d points", len(a.done))
	if len(a.done) == 1 {
		text = "it did not answer the point"
	}
	if len(a.wrong) > 0 {
		for at := range a.done {
			if wrong, ok := a.wrong[at]; ok {
				return fmt.Sprintf("%s; the answer for point %d is not taken: %s", text, at, wrong)
			}
		}
	}
	return text
}

// pointOf checks the number of a point.
func pointOf(point *int, points int) (int, error) {
	switch {
	case point == nil:
		return 0, errors.New("it names no point")
	case *point < 0 || *point >= points:
		return 0, fmt.Errorf("there is no point %d among %d, which count from 0", *point, points)
	}
	return *point, nil
}

// pointIn finds the number of the point that a line was meant for which can not be read.
func pointIn(line []byte, points int) (int, bool) {
	found := regexp.MustCompile(`^\{\s*"point"\s*:\s*(\d{1,9})\s*,`).FindSubmatch(line)
	if found == nil {
		return 0, false
	}
	at, err := strconv.Atoi(string(found[1]))
	return at, err == nil && at < points
}
