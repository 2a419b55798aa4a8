#pragma once
#include <optional>
#include <string_view>

#include "storage/images/vendors.hpp"

namespace storage {

// What a file is by its name or by the header that its vendor gives it. Each vendor is asked, in their order.

// The product whose single image this is; an image's header counts more than its name. Null for what nobody
// knows.
const Product* product_of(std::string_view name, const std::optional<ImageHeader>& header = {});
bool is_single_image_name(std::string_view name);  // of any product
std::optional<ImageHeader> read_image_header(const File& file);
// A tar that is an image itself, told by its members.
bool is_image_tar(const TarWalk& walk);

// A file of an unpacked bundle of access point images, such as ap1g7 or version.info, whose place the bundle
// alone tells.
bool is_bundle_member_name(std::string_view name);
// Whether a device loads a file of this name: any of the single images, an access point's family, or the
// controller's own image in a bundle. Whatever the case. Such a file is never empty, and never a text.
bool is_image_name(std::string_view name);
// Whether a controller finds a file of exactly this name, and hands it on to access points.
bool is_for_controllers(std::string_view name);

// Where a single image belongs: its product with its version; "other" without a release for what is none of
// them.
ReleaseName name_image(std::string_view name, const std::optional<ImageHeader>& header);

}  // namespace storage
