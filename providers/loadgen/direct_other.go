//go:build !linux

package loadgen

import "net"

// direct changes nothing here.
func direct(conn net.Conn) net.Conn { return conn }
