#include "protocols/sftp/handles.hpp"

#include <algorithm>

namespace sftp {

void Handle::wrote(std::uint64_t offset, std::uint64_t size) {
  written += size;
  end = std::max(end, offset + size);
}

std::optional<std::uint32_t> Handles::add(std::string_view name, Handle::Use use, std::uint32_t flags) {
  if (name.size() > most_name_bytes - name_bytes_) return {};
  auto place = std::ranges::find(all_, Handle::Use::free, &Handle::use);
  if (place == all_.end()) {
    if (all_.size() == most) return {};
    place = all_.emplace(all_.end());
  }
  *place = {use, flags, std::string(name)};
  name_bytes_ += name.size();
  return static_cast<std::uint32_t>(place - all_.begin());
}

void Handles::free(std::uint32_t number) {
  name_bytes_ -= all_[number].name.size();
  all_[number] = {};
}

std::optional<std::uint32_t> Handles::find(std::string_view wire) const {
  if (wire.size() != std::tuple_size_v<Wire>) return {};
  const auto number = Reader(std::as_bytes(std::span(wire))).u32();
  if (number >= all_.size() || all_[number].use == Handle::Use::free) return {};
  return number;
}

std::optional<std::uint32_t> Handles::next(std::uint32_t number) const {
  for (; number < all_.size(); ++number) {
    if (all_[number].use != Handle::Use::free) return number;
  }
  return {};
}

Handles::Wire Handles::wire(std::uint32_t number) {
  Wire wire{};
  Output::put(std::as_writable_bytes(std::span(wire)), number);
  return wire;
}

}  // namespace sftp
