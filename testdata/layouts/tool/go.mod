module example.com/app

go 1.25

tool example.com/app/tools/stringer
