module example.com/app/tools

go 1.25

require example.com/nowhere v1.0.0
