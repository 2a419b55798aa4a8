#pragma once
#include <optional>
#include <string>
#include <string_view>

#include "storage/images/aruba_header.hpp"
#include "storage/images/release_name.hpp"

namespace storage {

// Images that come as one file and are served as one: their names, as vendors give them.

bool is_aruba_name(std::string_view name);             // ArubaOS_72xx_8.6.0.4_74969, ArubaInstant_...
bool is_controller_name(std::string_view name);        // C9800-L-universalk9_wlc.17.09.04a.SPA.bin
bool is_conversion_image_name(std::string_view name);  // AIR-AP1815-K9-ME-8-10-185-0.tar: never unpacked
bool is_patch_name(std::string_view name);  // C9800-...CSCwh12345.SPA.apsp.bin and .smu.bin: for a controller
bool is_ap_tar_name(std::string_view name);        // ap3g3-k9w8-tar.153-3.JF15.tar: never unpacked
bool is_switch_image_name(std::string_view name);  // ArubaOS-CX_6200_10_08_0001.swi: never unpacked
bool is_single_image_name(std::string_view name);  // any of these

// A file of an unpacked bundle of access point images, such as ap1g7 or version.info, whose place the bundle
// alone tells.
bool is_bundle_member_name(std::string_view name);
// Whether a device loads a file of this name: any of the single images, an access point's family, or the
// controller's own image in a bundle. Whatever the case. Such a file is never empty, and never a text.
bool is_image_name(std::string_view name);

// Where a single image belongs: "Aruba", "C9800", "ME", "AP" or "ArubaOS-CX" with its version; "other"
// without a release for what is none of them. An Aruba image's header counts more than its name.
ReleaseName name_image(std::string_view name, const std::optional<ArubaHeader>& header);

}  // namespace storage
