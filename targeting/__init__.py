"""Relance: where the abstainers of the left live, and in which order to knock."""

import os

__version__ = "0.1.0"

GDAL_DRIVERS_LEFT_OUT = (
    "ADBC,AIVector,AVCBin,AVCE00,AmigoCloud,CSV,CSW,Carto,DGN,DXF,EDIGEO,EEDA,ESRIJSON,"
    "Elasticsearch,FlatGeobuf,GDALG,GML,GPSBabel,GPX,GTFS,GeoJSONSeq,GeoRSS,HTTP,Idrisi,JML,JSONFG,"
    "KML,LIBKML,LVBAG,MBTiles,MVT,MapInfo File,MapML,MiraMonVector,NGW,OAPIF,ODS,OGCAPI,OGR_GMT,"
    "OGR_PDS,OGR_VRT,OSM,OpenFileGDB,PCIDSK,PDF,PDS4,PGDUMP,PLSCENES,PMTiles,S57,SQLite,SXF,"
    "Selafin,TopoJSON,VDV,VFK,VICAR,WAsP,WFS,XLSX"
)
"""GDAL keeps GeoJSON, GPKG, shapefiles and memory: other drivers let a file open another file, or
a URL (TRUST SEC-01). Set before GDAL is loaded, hence here; of the two names of the variable one
only, or GDAL warns that the drivers are gone already."""

os.environ["OGR_SKIP"] = GDAL_DRIVERS_LEFT_OUT
os.environ.pop("GDAL_SKIP", None)
