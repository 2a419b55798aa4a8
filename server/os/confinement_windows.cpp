#include "server/os/confinement.hpp"

#include <fmt/format.h>

#include "server/os/wide.hpp"

namespace server {
namespace {

template <class Policy>
void keep(PROCESS_MITIGATION_POLICY which, Policy policy, const char* otherwise,
          std::vector<std::string>& missing) {
  if (::SetProcessMitigationPolicy(which, &policy, sizeof policy)) return;
  missing.push_back(fmt::format("{} ({})", otherwise, last_error().message()));
}

}  // namespace

// Windows takes neither files nor system calls from a process that runs: what the server may use is what its
// account may, and NT SERVICE\apdepot may use its depot alone. What is left is to let nobody else's code in.
// It may start programs, for it starts its own reader of archives.
Confinement confine(const UsedPlaces&) {
  Confinement confinement;
  PROCESS_MITIGATION_DYNAMIC_CODE_POLICY code{};
  code.ProhibitDynamicCode = 1;
  keep(ProcessDynamicCodePolicy, code, "memory of the server may be made code", confinement.missing);
  PROCESS_MITIGATION_EXTENSION_POINT_DISABLE_POLICY extensions{};
  extensions.DisableExtensionPoints = 1;
  keep(ProcessExtensionPointDisablePolicy, extensions, "old extension points may load code into the server",
       confinement.missing);
  PROCESS_MITIGATION_IMAGE_LOAD_POLICY images{};
  images.NoRemoteImages = 1;
  images.NoLowMandatoryLabelImages = 1;
  images.PreferSystem32Images = 1;
  keep(ProcessImageLoadPolicy, images, "the server may load libraries from network drives",
       confinement.missing);
  return confinement;
}

}  // namespace server
