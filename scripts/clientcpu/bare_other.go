//go:build !linux

package main

import "errors"

func bare(string, int, int) error { return errors.New("the bare reader is for Linux alone") }
