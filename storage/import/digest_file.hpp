#pragma once
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "storage/files/digest.hpp"

namespace storage {

class File;

// The digest that a vendor gives of one file.
struct KnownDigest {
  std::string file;  // whose it is: "C9800-AP-universalk9.17.09.04a.zip"; raw
  DigestKind kind = DigestKind::sha512;
  std::string hex;    // in lower case
  std::string where;  // what says so: "C9800-AP-universalk9.17.09.04a.zip.sha512", "--sha512"
};

// NAME.sha512, NAME.md5 and SHA512SUMS, in any case, hold digests and are never imported themselves.
bool is_digest_file(std::string_view name);

// Understands a digest alone, sha512sum's and md5sum's lines, and BSD's. In NAME.sha512 the only digest is
// NAME's, whatever the line calls it. Throws Rejected when it holds none; std::system_error.
std::vector<KnownDigest> read_digest_file(const std::filesystem::path& file);
// The same of one that is open, whose name is `name`.
std::vector<KnownDigest> read_digest_file(const File& file, const std::string& name);

// Those of the three files beside `file`, with exactly these names, that are there.
std::vector<std::filesystem::path> digest_files_beside(const std::filesystem::path& file);
// What they say of it.
std::vector<KnownDigest> digests_beside(const std::filesystem::path& file);

// For --sha512: nothing when the text is no such digest.
std::string parse_digest(std::string_view text, DigestKind kind);

}  // namespace storage
