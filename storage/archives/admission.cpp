#include "storage/archives/admission.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "storage/archives/clutter.hpp"
#include "storage/archives/member_name.hpp"
#include "storage/archives/rejected.hpp"

namespace storage {
namespace {

std::string_view leading_folder(std::string_view name) {
  const auto slash = name.find('/');
  return slash == std::string_view::npos ? std::string_view{} : name.substr(0, slash);
}

}  // namespace

std::string Admission::admit(std::string_view raw, std::uint64_t size) {
  if (++count_ > limits_.max_members)
    throw Rejected(fmt::format("the archive has more than {} members, which is import.max_members",
                               limits_.max_members));
  if (is_clutter(raw)) {
    count_bytes(size);
    left_out_.emplace_back(raw);
    return {};
  }
  if (const auto fault = name_fault(raw))
    throw Rejected(
        fmt::format("the archive has a member with the unsafe name {}: {}", in_quotes(raw), *fault));
  const auto folder = leading_folder(raw);
  if (!folder_) folder_ = folder;
  // Strips one leading folder that all members share. Any other would hide images from the devices.
  const auto rest = folder_->empty() ? raw : raw.substr(std::min(folder_->size() + 1, raw.size()));
  if (folder != *folder_ || rest.find('/') != std::string_view::npos)
    throw Rejected(fmt::format(
        "the archive has folders inside ({}); a bundle has its images side by side, at most in one "
        "common folder",
        in_quotes(raw)));
  if (rest.empty()) return {};
  const auto [other, fresh] = seen_.emplace(folded(rest), raw);
  if (!fresh)
    throw Rejected(fmt::format("the archive has two members of one name: {} and {} (case does not count)",
                               in_quotes(other->second), in_quotes(raw)));
  count_bytes(size);
  return std::string(rest);
}

void Admission::count_bytes(std::uint64_t size) {
  if (size > limits_.max_total - total_)
    throw Rejected(fmt::format("the archive holds more than {} bytes unpacked, which is import.max_total",
                               limits_.max_total));
  total_ += size;
}

}  // namespace storage
