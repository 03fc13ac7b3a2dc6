module example.com/thing

go 1.25
