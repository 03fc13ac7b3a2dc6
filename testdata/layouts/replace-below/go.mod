module example.com/below

go 1.25

require example.com/lib v0.0.0

replace example.com/lib => ./third_party/lib
