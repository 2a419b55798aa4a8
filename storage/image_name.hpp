#pragma once
#include <optional>
#include <string>
#include <string_view>

#include "storage/aruba_header.hpp"
#include "storage/release_name.hpp"

namespace storage {

// Images that come as one file and are served as one: their names, as vendors give them.

bool is_aruba_name(std::string_view name);             // ArubaOS_72xx_8.6.0.4_74969, ArubaInstant_...
bool is_controller_name(std::string_view name);        // C9800-L-universalk9_wlc.17.09.04a.SPA.bin
bool is_conversion_image_name(std::string_view name);  // AIR-AP1815-K9-ME-8-10-185-0.tar: never unpacked
bool is_single_image_name(std::string_view name);      // any of these

// Where a single image belongs: "Aruba", "C9800" or "ME" with its version; "other" without a release for what
// is none of them. An Aruba image's header counts more than its name.
ReleaseName name_image(std::string_view name, const std::optional<ArubaHeader>& header);

}  // namespace storage
