#include "storage/archives/unpack_tar.hpp"

#include "storage/archives/admission.hpp"
#include "storage/archives/rejected.hpp"
#include "storage/archives/tar_reader.hpp"
#include "storage/files/digest.hpp"
#include "storage/files/plain_file.hpp"

namespace storage {
namespace {

constexpr std::size_t block_size = 256 << 10;

class TarUnpacking {
 public:
  TarUnpacking(const File& archive, Packing packing, const std::filesystem::path& target,
               const UnpackLimits& limits, const Heard& heard)
      : target_(target), heard_(heard), stream_(archive, packing, limits), admission_(limits) {
    if (packing == Packing::none) check_space(target, archive.at_open().size);
  }

  Unpacked run() {
    std::vector<Member> members;
    while (const auto member = tar_.next()) {
      const auto name = admission_.admit(member->name, member->size);
      if (name.empty()) {
        skip();
        continue;
      }
      check_space(target_, member->size);
      members.push_back(write(name));
    }
    if (!admission_.any_file()) throw Rejected("the archive holds no file");
    return {std::move(members), admission_.take_left_out()};
  }

 private:
  Member write(const std::string& name) {
    NewFile file(target_, name);
    Digest digest(DigestKind::sha256);
    std::uint64_t size = 0;
    while (const auto got = tar_.read(block_)) {
      const auto bytes = std::span<const std::byte>(block_).first(got);
      digest.update(bytes);
      file.write(bytes);
      size += got;
      tell();
    }
    file.sync();
    return {name, size, digest.hex()};
  }

  void skip() {
    while (tar_.read(block_) > 0) tell();
  }

  void tell() {
    if (heard_) heard_(stream_.taken() - told_);
    told_ = stream_.taken();
  }

  const std::filesystem::path& target_;
  const Heard& heard_;
  PackedStream stream_;
  TarReader tar_{stream_};
  Admission admission_;
  std::vector<std::byte> block_ = std::vector<std::byte>(block_size);
  std::uint64_t told_ = 0;
};

}  // namespace

Unpacked unpack_tar(const File& archive, Packing packing, const std::filesystem::path& target,
                    const UnpackLimits& limits, const Heard& heard) {
  return TarUnpacking(archive, packing, target, limits, heard).run();
}

}  // namespace storage
