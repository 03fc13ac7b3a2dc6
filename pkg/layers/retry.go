package layers

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// maxAttempts bounds how often one request is sent.
const maxAttempts = 4

// retrying sends requests again that failed for a reason that may pass: a broken connection, 429, 500, 502, 503, 504.
type retrying struct {
	inner http.RoundTripper
	pause time.Duration // before the first retry
}

func (t *retrying) RoundTrip(req *http.Request) (*http.Response, error) {
	if req.Body != nil && req.Body != http.NoBody && req.GetBody == nil {
		return t.inner.RoundTrip(req)
	}
	for attempt := 1; ; attempt++ {
		resp, err := t.inner.RoundTrip(req)
		if err != nil && !mayPass(req.Context(), err) || err == nil && !busy(resp.StatusCode) {
			return resp, err
		}
		if attempt == maxAttempts {
			return nil, failure(req, resp, err, fmt.Sprintf("%d times", attempt))
		}
		wait := t.pause << (attempt - 1)
		if resp != nil {
			wait *= 4 // a host that is busy needs more time than a connection
		}
		wait += rand.N(wait/2 + 1)
		asked := time.Duration(0)
		if resp != nil {
			asked = retryAfter(resp.Header.Get("Retry-After"), time.Now())
		}
		if asked > wait {
			wait = asked
		}
		if end, ok := req.Context().Deadline(); asked > maxRetryAfter || ok && time.Until(end) < wait {
			return nil, failure(req, resp, err, fmt.Sprintf("and it would take %s until the next attempt", wait.Round(time.Second)))
		}
		if resp != nil {
			_, _ = io.CopyN(io.Discard, resp.Body, 64<<10) // so that the connection is used again
			resp.Body.Close()
		}
		if err := sleep(req.Context(), wait); err != nil {
			return nil, err
		}
		if req.GetBody != nil {
			body, err := req.GetBody()
			if err != nil {
				return nil, err
			}
			req = req.Clone(req.Context())
			req.Body = body
		}
	}
}

// maxRetryAfter is the longest time that a registry's Retry-After is waited for.
const maxRetryAfter = 2 * time.Minute

// failure says what a host answered at last.
func failure(req *http.Request, resp *http.Response, err error, more string) error {
	if err != nil {
		return fmt.Errorf("%w (%s)", err, more)
	}
	defer resp.Body.Close()
	return &answer{host: req.URL.Host, code: resp.StatusCode, more: more}
}

// answer is a refusal of a host.
type answer struct {
	host string
	code int
	more string
}

func (a *answer) Error() string {
	return fmt.Sprintf("%s answers %d %s, %s", a.host, a.code, http.StatusText(a.code), a.more)
}

func busy(code int) bool {
	switch code {
	case http.StatusTooManyRequests, http.StatusInternalServerError, http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return true
	}
	return false
}

// mayPass tells errors of the connection from those that the next attempt would meet again.
func mayPass(ctx context.Context, err error) bool {
	var (
		dns       *net.DNSError
		unknown   x509.UnknownAuthorityError
		invalid   x509.CertificateInvalidError
		hostname  x509.HostnameError
		unchecked *tls.CertificateVerificationError
		alert     tls.AlertError
		record    tls.RecordHeaderError
	)
	switch {
	case context.Cause(ctx) != nil, errors.Is(err, ErrOffline), errors.Is(err, errPlainHTTP), errors.Is(err, http.ErrSchemeMismatch), silent(err):
		return false
	case errors.As(err, &dns):
		return !dns.IsNotFound
	case errors.As(err, &unknown), errors.As(err, &invalid), errors.As(err, &hostname), errors.As(err, &unchecked), errors.As(err, &alert), errors.As(err, &record):
		return false
	}
	var op *net.OpError
	text := err.Error() // the types of HTTP/2's errors are net/http's own
	return errors.As(err, &op) || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) ||
		strings.HasPrefix(text, "http2: ") || strings.HasPrefix(text, "stream error: ")
}

// retryAfter reads the header: seconds or a date. Source: RFC 9110, section 10.2.3.
func retryAfter(value string, now time.Time) time.Duration {
	if seconds, err := strconv.ParseInt(value, 10, 32); err == nil {
		return time.Duration(max(seconds, 0)) * time.Second
	}
	if date, err := http.ParseTime(value); err == nil {
		return max(date.Sub(now), 0)
	}
	return 0
}

func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-timer.C:
		return nil
	}
}
