package exec

import (
	"context"
	"fmt"
	"time"

	"aicv/engine"
	"aicv/metric"
	"aicv/spec"
)

// lookAtHost asks a target what its host has.
func (x *executor) lookAtHost(id int) {
	d := &x.plan.Deployments[x.nodes[id].Deployment]
	t, err := x.tools.target(x.plan.Cells[d.Cells[0]].Cell.Target)
	if err != nil {
		x.fail(err)
		return
	}
	began := time.Now()
	x.started(id)
	var message string
	for tries := 1; tries <= inventoryAttempts; tries++ {
		message, err = x.tryInventory(id, t)
		if err == nil || x.interrupted() {
			break
		}
		if tries < inventoryAttempts {
			x.retried(id, tries, err)
			if x.pause(retryPause) != nil {
				break
			}
		}
	}
	if err != nil && x.interrupted() {
		err = errInterrupted
	} else if err != nil {
		x.mutex.Lock()
		t.broken = err
		x.mutex.Unlock()
	}
	x.conclude(id, began, message, err)
}

func (x *executor) tryInventory(id int, t *target) (string, error) {
	s, err := x.open(id, engine.NodeInventory, t.address, "")
	if err != nil {
		return "", err
	}
	ctx, cancel := context.WithTimeout(x.graceful, inventoryTimeout)
	defer cancel()
	i, err := t.Inventory(ctx)
	outcome := spec.Outcome{Status: spec.StepDone}
	if err != nil {
		outcome = spec.Outcome{Status: x.failedStatus(), Message: explain(err)}
	}
	if _, closeErr := x.close(s, outcome); closeErr != nil {
		return "", closeErr
	}
	if err != nil {
		return "", fmt.Errorf("look at the host of %s: %w", t.address, err)
	}
	x.mutex.Lock()
	x.inventory[t.address] = i
	x.mutex.Unlock()
	return describeHost(i), nil
}

// failedStatus tells a failure from an abandonment.
func (x *executor) failedStatus() spec.StepStatus {
	if x.interrupted() {
		return spec.StepAbandoned
	}
	return spec.StepFailed
}

func describeHost(i spec.Inventory) string {
	text := i.Host
	if i.CPUs > 0 {
		text += ", " + metric.Count(i.CPUs, "CPU")
	}
	if len(i.GPUs) > 0 {
		text += ", " + metric.Count(len(i.GPUs), "GPU") + " (" + i.GPUs[0].Name + ")"
	}
	return text
}

func (x *executor) inventoryOf(t *target) spec.Inventory {
	x.mutex.Lock()
	defer x.mutex.Unlock()
	return x.inventory[t.address]
}
