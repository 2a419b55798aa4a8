#pragma once
#include <cstddef>
#include <cstdint>
#include <functional>
#include <initializer_list>
#include <memory>
#include <span>
#include <string>
#include <vector>

struct evp_md_ctx_st;

namespace storage {

class File;

// SHA-256 is what apdepot records; SHA-512 and MD5 are what vendors print beside a download.
enum class DigestKind : std::uint8_t { sha256, sha512, md5 };

const char* digest_name(DigestKind kind);    // "SHA-512"
std::size_t digest_length(DigestKind kind);  // of its hex form

// The digest of what is fed to it, as lower-case hex. One thread at a time.
class Digest {
 public:
  explicit Digest(DigestKind kind);
  ~Digest();
  void update(std::span<const std::byte> bytes);
  std::string hex();  // ends the digest; it is fed no more

 private:
  std::unique_ptr<evp_md_ctx_st, void (*)(evp_md_ctx_st*)> context_;
};

// Of a whole file, read once, as read_whole() does and with its errors: one digest a kind, in the order
// asked. `read` hears of each portion's size. May take seconds: for a worker.
std::vector<std::string> digests_of(const File& file, std::initializer_list<DigestKind> kinds,
                                    const std::function<void(std::uint64_t)>& read = {});

}  // namespace storage
