#pragma once
#include <cstdint>

namespace storage {

// Of everything that clients sent, TFTP, SFTP and SCP together. conf/ fills this in from the key `uploads`.
struct UploadLimits {
  std::uint64_t max_total = 0;  // bytes
  std::uint32_t max_files = 0;
  std::uint32_t max_folders = 0;
  std::uint64_t reserve = 0;  // bytes of the disk that no upload may take
};

}  // namespace storage
