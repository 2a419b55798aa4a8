#pragma once
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "protocols/http/range.hpp"
#include "server/http/image_request.hpp"
#include "storage/files/file.hpp"

namespace server::http {

// The head of an answer to a request for an image, and which bytes of the file follow. Pure; any thread.
struct ImageReply {
  unsigned status = 200;
  std::string head;            // all lines, and the empty one
  protocols::http::Span body;  // of the file; a HEAD, a 304 and a 416 have none
};

// A file as a client may know it.
struct ServedFile {
  std::string name;  // without its folders
  storage::Attributes attributes;
  std::string sha256;  // hex, as an import recorded it; empty where none did
};

// `"9f2c..."` of the digest; without one a weak ETag of size, time and inode.
std::string etag_of(const ServedFile& file);

// `now`: seconds since 1970. `keep`: whether the connection goes on.
ImageReply reply_with(const ServedFile& file, const ImageRequest& request, bool keep, std::int64_t now);

// A whole answer that is no file: a page, or a refusal in a line. `header`: one more, whole.
std::string reply_with(unsigned status, std::string_view type, std::string_view body,
                       const ImageRequest& request, bool keep, std::int64_t now,
                       std::string_view header = {});

// The head of one whose body may be long, and is sent after it unless the request is a HEAD.
std::string head_with(unsigned status, std::string_view type, std::size_t size, const ImageRequest& request,
                      bool keep, std::int64_t now, std::string_view header = {});

std::string_view reason_of(unsigned status);  // "Not Found"

}  // namespace server::http
