#pragma once
#include <filesystem>
#include <functional>
#include <optional>
#include <vector>

#include "storage/archives/archive.hpp"
#include "storage/archives/member.hpp"
#include "storage/archives/member_sink.hpp"
#include "storage/files/digest.hpp"
#include "storage/files/plain_file.hpp"

namespace storage {

// Writes what an archive holds into the empty directory `target`: each member's SHA-256 is taken on the way,
// each file and the directory synced. A file that already holds a name is never replaced. `heard` is told of
// the archive's own bytes, as they are used up. All throw std::system_error when the disk fails, or has not
// the room.
class StagedMembers final : public MemberSink {
 public:
  explicit StagedMembers(std::filesystem::path target, Heard heard = {});

  void expect(std::uint64_t bytes) override;
  void begin(const std::string& name, std::uint64_t size) override;
  void write(std::span<const std::byte> bytes) override;
  void end() override;
  void leave_out(const std::string& raw) override;
  void take(std::uint64_t bytes) override;

  Unpacked finish();  // once, when the archive was read to its end

 private:
  const std::filesystem::path target_;
  const Heard heard_;
  std::optional<NewFile> file_;
  std::optional<Digest> digest_;
  Member member_;
  Unpacked unpacked_;
};

}  // namespace storage
