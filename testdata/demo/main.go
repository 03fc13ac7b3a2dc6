// Command rates serves exchange rates that it fetches over HTTPS: a small service, as many are.
package main

import (
	"io"
	"log"
	"net/http"
	"time"
)

func main() {
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		log.Fatal(err)
	}
	http.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) {
		resp, err := http.Get("https://rates.example.com/latest")
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadGateway)
			return
		}
		defer resp.Body.Close()
		w.Header().Set("X-Time", time.Now().In(berlin).Format(time.RFC3339))
		io.Copy(w, resp.Body)
	})
	log.Fatal(http.ListenAndServe(":8080", nil))
}
