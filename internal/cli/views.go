package cli

import (
	"os"

	"aicv/internal/cli/view"
)

// openViews joins the views that an apply feeds: for people or as JSON lines, and
// the events file.
func (a *app) openViews(more ...view.Sink) (*view.Fanout, error) {
	sinks := append(more, a.mainView())
	if a.events != "" {
		file, err := openEvents(a.events)
		if err != nil {
			return nil, err
		}
		sinks = append(sinks, closing{view.JSONLines(file), file})
	}
	return view.NewFanout(sinks...), nil
}

// openEvents opens the events file; an apply appends to what is there.
func openEvents(path string) (*os.File, error) {
	file, err := os.OpenFile(path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, notWritten("the events file", path, err)
	}
	return file, nil
}

func (a *app) mainView() view.Sink {
	switch {
	case a.json:
		return view.JSONLines(a.stdio.Out)
	case a.quiet:
		return view.Nothing()
	case isTerminal(a.stdio.Out) && a.getenvText("TERM") != "dumb" && a.getenvText("CI") == "":
		return view.Live(a.stdio.Out, width(a.stdio.Out))
	}
	return view.Plain(a.stdio.Out)
}

func (a *app) getenvText(name string) string {
	value, _ := a.getenv(name)
	return value
}

// closing closes the file behind a sink.
type closing struct {
	view.Sink
	file *os.File
}

func (c closing) Close() error {
	if err := c.Sink.Close(); err != nil {
		_ = c.file.Close()
		return err
	}
	return c.file.Close()
}
