package vllmbench

import (
	"aicv/kit/benchtool"
	"aicv/spec"
)

func newSilent() *benchtool.Conversation {
	return benchtool.Converse(func(spec.Event) {}, "", heard)
}
