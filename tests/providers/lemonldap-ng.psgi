# The portal of LemonLDAP::NG, and the files of its pages, for plackup.
use strict;
use warnings;

use Lemonldap::NG::Portal::Main;
use Plack::App::File;
use Plack::Builder;

sub files { Plack::App::File->new( root => shift )->to_app }

builder {
    mount '/static'     => files('/usr/share/lemonldap-ng/portal/htdocs/static');
    mount '/javascript' => files('/usr/share/javascript');
    mount '/'           => Lemonldap::NG::Portal::Main->run( {} );
};
