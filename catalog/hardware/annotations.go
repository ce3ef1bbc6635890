package hardware

// annotation is what the predictor does not say of a system.
type annotation struct {
	title       string
	vendor      Vendor
	link        Link
	reportedMiB int64 // memory.total of nvidia-smi; 0: not known
	reportedBy  string
}

// annotate adds what the predictor's files do not hold.
func annotate(s *System) {
	a := annotations()[s.Name]
	s.Title, s.Vendor, s.Link = a.title, a.vendor, a.link
	s.Reported, s.ReportedBy = a.reportedMiB<<20, a.reportedBy
}

// The sources of the memory that drivers report.
const (
	byPredictor = "the predictor's own note on the figure"
	byModal     = "thundergolfer.com/blog/nvidia-gpu-memory-capacity"
	byLogs      = "public logs of nvidia-smi"
)

func annotations() map[string]annotation {
	return map[string]annotation{
		"a100_pcie":           {"NVIDIA A100 PCIe 80 GB", NVIDIA, PCIeLink, 81920, byLogs},
		"a100_sxm":            {"NVIDIA A100 SXM 80 GB", NVIDIA, NVLink, 81920, byModal},
		"a30":                 {"NVIDIA A30 24 GB", NVIDIA, PCIeLink, 24576, byLogs},
		"b200_sxm":            {"NVIDIA B200 180 GB", NVIDIA, NVLink, 183359, "github.com/NVIDIA/TensorRT-LLM/issues/10278"},
		"b300_sxm":            {"NVIDIA B300 SXM 288 GB", NVIDIA, NVLink, 275040, byPredictor},
		"b60":                 {"Intel Arc Pro B60 24 GB", Intel, PCIeLink, 0, ""},
		"gb200":               {"NVIDIA GB200 (NVL72 tray)", NVIDIA, NVLink, 189471, byPredictor},
		"gb300":               {"NVIDIA GB300 (NVL72 tray)", NVIDIA, NVLink, 284208, byPredictor},
		"h100_pcie":           {"NVIDIA H100 PCIe 80 GB", NVIDIA, PCIeLink, 81559, byLogs},
		"h100_sxm":            {"NVIDIA H100 SXM 80 GB", NVIDIA, NVLink, 81559, "github.com/NVIDIA/nccl/issues/1264"},
		"h200_sxm":            {"NVIDIA H200 SXM 141 GB", NVIDIA, NVLink, 143771, byModal},
		"l4":                  {"NVIDIA L4 24 GB", NVIDIA, PCIeLink, 23034, byModal},
		"l40s":                {"NVIDIA L40S 48 GB", NVIDIA, PCIeLink, 46068, byPredictor},
		"rtx_pro_6000_server": {"NVIDIA RTX PRO 6000 Blackwell Server 96 GB", NVIDIA, PCIeLink, 97887, byPredictor},
	}
}
