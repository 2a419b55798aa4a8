#include "storage/archives/unpack_tar.hpp"

#include "storage/archives/admission.hpp"
#include "storage/archives/rejected.hpp"
#include "storage/archives/tar_reader.hpp"
#include "storage/files/file.hpp"

namespace storage {
namespace {

constexpr std::size_t block_size = 256 << 10;

class TarUnpacking {
 public:
  TarUnpacking(const File& archive, Packing packing, const UnpackLimits& limits, MemberSink& sink)
      : sink_(sink), stream_(archive, packing, limits), admission_(limits) {
    if (packing == Packing::none) sink_.expect(archive.at_open().size);
  }

  void run() {
    while (const auto member = tar_.next()) {
      const auto name = admission_.admit(member->name, member->size);
      if (name.empty()) {
        skip();
        continue;
      }
      sink_.begin(name, member->size);
      give();
      sink_.end();
    }
    if (!admission_.any_file()) throw Rejected("the archive holds no file");
    for (const auto& name : admission_.take_left_out()) sink_.leave_out(name);
  }

 private:
  void give() {
    while (const auto got = tar_.read(block_)) {
      sink_.write(std::span<const std::byte>(block_).first(got));
      tell();
    }
  }

  void skip() {
    while (tar_.read(block_) > 0) tell();
  }

  void tell() {
    sink_.take(stream_.taken() - told_);
    told_ = stream_.taken();
  }

  MemberSink& sink_;
  PackedStream stream_;
  TarReader tar_{stream_};
  Admission admission_;
  std::vector<std::byte> block_ = std::vector<std::byte>(block_size);
  std::uint64_t told_ = 0;
};

}  // namespace

void unpack_tar(const File& archive, Packing packing, const UnpackLimits& limits, MemberSink& sink) {
  TarUnpacking(archive, packing, limits, sink).run();
}

}  // namespace storage
