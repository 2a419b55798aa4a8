#include "storage/archives/staged_members.hpp"

#include <algorithm>
#include <utility>

#include "storage/files/durable.hpp"

namespace storage {

StagedMembers::StagedMembers(std::filesystem::path target, Heard heard)
    : target_(std::move(target)), heard_(std::move(heard)) {}

void StagedMembers::expect(std::uint64_t bytes) { check_space(target_, bytes); }

void StagedMembers::begin(const std::string& name, std::uint64_t size) {
  check_space(target_, size);
  file_.emplace(target_, name);
  digest_.emplace(DigestKind::sha256);
  member_ = {name, 0, {}};
}

void StagedMembers::write(std::span<const std::byte> bytes) {
  digest_->update(bytes);
  file_->write(bytes);
  member_.size += bytes.size();
}

void StagedMembers::end() {
  file_->sync();
  file_.reset();
  member_.sha256 = digest_->hex();
  unpacked_.members.push_back(std::move(member_));
}

void StagedMembers::leave_out(const std::string& raw) { unpacked_.left_out.push_back(raw); }

void StagedMembers::take(std::uint64_t bytes) {
  if (heard_) heard_(bytes);
}

Unpacked StagedMembers::finish() {
  sync_directory(target_);
  std::ranges::sort(unpacked_.members, {}, &Member::name);
  return std::move(unpacked_);
}

}  // namespace storage
