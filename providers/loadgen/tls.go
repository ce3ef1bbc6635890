package loadgen

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"os"

	"aicv/spec"
)

// trusted is whom the client believes: the system's authorities, and those of ca_file.
func (b *benchmark) trusted() (*tls.Config, error) {
	if b.caFile == "" {
		return nil, nil
	}
	pool, err := x509.SystemCertPool()
	if err != nil {
		pool = x509.NewCertPool()
	}
	text, err := os.ReadFile(b.caFile)
	if err == nil && !pool.AppendCertsFromPEM(text) {
		err = errors.New("it holds no certificate in PEM form")
	}
	if err != nil {
		return nil, &spec.Error{Kind: spec.ErrUsage, Summary: "ca_file can not be used", Cause: err, Fix: "name a file of certificates in PEM form"}
	}
	return &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}, nil
}

// distrusted explains a server whose certificate nobody vouches for; false for any other
// failure.
func distrusted(err error) (*spec.Error, bool) {
	var failed *tls.CertificateVerificationError
	if !errors.As(err, &failed) {
		return nil, false
	}
	return &spec.Error{Kind: spec.ErrUsage, Summary: "the server's certificate is not trusted", Cause: failed.Err,
		Fix: "set ca_file of the benchmark to the certificate of its authority, or to its own where it signed itself"}, true
}
