package genaibench

import "aicv/kit/pytool"

func pythonTool() *pytool.Tool {
	return &pytool.Tool{Python: "/python", Command: "/genai-bench"}
}
