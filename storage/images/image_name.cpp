#include "storage/images/image_name.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "storage/archives/member_name.hpp"
#include "storage/images/layout.hpp"

namespace storage {
namespace {

bool any_says(NameTest Vendor::*test, std::string_view name) {
  return std::ranges::any_of(vendors(), [&](const Vendor* vendor) { return (vendor->*test)(name); });
}

ReleaseName unknown(std::string warning) {
  return {.product = std::string(other_product), .release = {}, .warnings = {std::move(warning)}};
}

}  // namespace

const Product* product_of(std::string_view name, const std::optional<ImageHeader>& header) {
  if (header) return header->product;
  for (const auto* vendor : vendors())
    for (const auto& product : vendor->products)
      if (product.is_image(name)) return &product;
  return nullptr;
}

bool is_single_image_name(std::string_view name) { return product_of(name) != nullptr; }

std::optional<ImageHeader> read_image_header(const File& file) {
  for (const auto* vendor : vendors())
    if (auto header = vendor->read_header(file)) return header;
  return {};
}

bool is_image_tar(const TarWalk& walk) {
  return std::ranges::any_of(vendors(), [&](const Vendor* vendor) { return vendor->is_image_tar(walk); });
}

bool is_bundle_member_name(std::string_view name) { return any_says(&Vendor::is_bundle_member, name); }

bool is_image_name(std::string_view name) {
  return any_says(&Vendor::is_bundle_image, name) || is_single_image_name(name);
}

bool is_for_controllers(std::string_view name) { return any_says(&Vendor::is_for_controllers, name); }

ReleaseName name_image(std::string_view name, const std::optional<ImageHeader>& header) {
  const auto* product = product_of(name, header);
  if (!product)
    return unknown(fmt::format("nothing tells what image {} is; it is served as it is", in_quotes(name)));
  const auto in_name = product->version_in(name);
  const auto in_header = header ? Version::parse(header->version) : std::nullopt;
  const auto version = in_header ? in_header : in_name;
  if (!version) return unknown(fmt::format("{} has no version in its name", in_quotes(name)));
  ReleaseName release{.product = std::string(product->name), .release = version->joined('_'), .warnings = {}};
  if (in_header && in_name && in_header != in_name)
    release.warnings.push_back(
        fmt::format("the image contradicts itself about its version: its header says {}, its name says {}; "
                    "the header counts",
                    in_header->joined('.'), in_name->joined('.')));
  return release;
}

}  // namespace storage
